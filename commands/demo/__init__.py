"""The demo, ``make demo``: the main job on real files, narrated, in a database of its own."""

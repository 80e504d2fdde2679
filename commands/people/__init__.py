"""People, their organization, their ladders and their history."""

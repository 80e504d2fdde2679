"""What holds on MariaDB alone: the guard by statements, its collations, engines and sessions."""

"""The board's database: tables, connection, migrations; SQLite or PostgreSQL."""

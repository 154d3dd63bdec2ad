"""PostgreSQL: tables, statements, ids and pages."""

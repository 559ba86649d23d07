"""The history of the tables, one chain for the whole switch. `Database.migrate` runs it at every start."""

-- What the user of the warehouse may do: this in databases of its own name, and nothing elsewhere.
-- Read by the containers when their volume is new, and by scripts/database.py for a server of this machine.
GRANT SELECT, INSERT, DELETE, CREATE, ALTER, DROP, CREATE TEMPORARY TABLES ON `openingbell\_%`.* TO 'openingbell'@'%';

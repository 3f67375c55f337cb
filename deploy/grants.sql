-- What the user of the warehouse may do: everything in databases of its own name, and nothing else.
-- Read by the containers at their first start, and by scripts/database.py for a server of this machine.
GRANT ALL PRIVILEGES ON `openingbell`.* TO 'openingbell'@'%';
GRANT ALL PRIVILEGES ON `openingbell\_%`.* TO 'openingbell'@'%';

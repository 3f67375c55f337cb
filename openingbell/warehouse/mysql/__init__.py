"""The warehouse on a server: MySQL or MariaDB, a database for each layer.

wire         the only module that imports the driver: statements, frames, rows streamed into LOAD DATA
rows         rows of the binary protocol as columns
encode       columns as text that the server reads
statements   what the server is told: tables, loads, deletions
query        a user's statement: that it reads, and which database each table is in
faults       what the server says when it fails, as our errors
grants       who may do what
transaction  what is read and written in one transaction
warehouse    the protocol
"""

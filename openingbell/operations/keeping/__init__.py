"""What lets a warehouse survive: backups, and copies from engine to engine.

folder   a backup on the disk: Parquet, schema and manifest; reading and verifying it
writing  such a folder as it is written
backup   `bell backup`: a consistent state of the warehouse into such a folder
restore  `bell restore`: a warehouse anew from one
copying  `bell copy`: a warehouse anew from another, of whatever engine
anew     a warehouse that is filled beside the one whose place it takes
tidying  `bell tidy`: old landed files are compressed
"""

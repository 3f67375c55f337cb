"""What the scripts say of themselves when they are asked with -h. A shell's names stand for both kinds."""

ELT_HELP = """\
usage: run_elt_ops.sh -c STAGE [options]

Runs one stage of the pipeline, or all of them; the first run installs what is needed into .venv.

stages
  extract     ask the vendor for the bars that are due and land them as CSV
  csv-load    load landed files into the raw warehouse
  transform   carry new rows on to the analytics warehouse
  quality     check what needs a whole set of rows, and score
  report      write the report of the newest day, or of --day or --week
  full        all of these, in this order

options
  --demo              a simulated vendor on this machine: no key, no network
  --replay DIR        recorded bars instead of the vendor
  --from D, --to D    the sessions wanted, YYYY-MM-DD
  --symbols A,B       these symbols only
  -h, --help          this text

Everything after the stage is handed to `bell STAGE`; `.venv/bin/bell STAGE --help` lists the rest.
"""
SETUP_HELP = """\
usage: setup_database.sh [options]

Makes the warehouse ready: creates what is missing and leaves what is there. Options are handed to `bell setup`.
"""
DATABASE_HELP = """\
usage: start_database.sh [--with docker|local] [--stop]

Starts a MySQL or MariaDB server for the warehouse and waits until it answers: with Docker where that is at work, else
with the mariadbd or mysqld of this machine, else it says what to install. It may be called at any time again.

options
  --with docker|local  no choice of its own
  --stop               stop what it started; the data stay
  -h, --help           this text
"""
TEST_HELP = """\
usage: run_tests.sh [arguments of pytest]

Without arguments: ruff, mypy, import-linter and all tests, stopping at the first that fails. With arguments: pytest
alone, with these arguments, from the root of the repository.
"""
HELP = {"elt": ELT_HELP, "setup": SETUP_HELP, "database": DATABASE_HELP, "test": TEST_HELP}

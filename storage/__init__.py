"""What must outlive the process: jobs, deliveries, pictures, quotas and the ledger, in SQLite.

Knows no Discord and no torch. A request and a recipe are opaque JSON text here.

    database.py     one writer with transaction(), readers beside it
    jobs.py         the durable job: every transition with its effect on ledger and delivery
    deliveries.py   the way of a result to its person, exactly once
    history.py      pictures that were painted, and favourites among them
    quotas.py       policies and usage; quota_rules.py is the pure decision
    preferences.py  settings of servers, channels and users; whose thread is which
    reports.py      reported pictures, and what moderators made of them
    blocks.py       who may not paint in a server
    files.py        picture files, written atomically
    inputs.py       pictures that people start from, kept as long as what was made of them
    retention.py    how long picture files stay on the disk
    backup.py       sound copies of the database, made beside a running bot
    restore.py      a backup in the database's place, whatever is interrupted
    consistency.py  whether the database agrees with itself and with the files
    lock.py         one bot per data folder
"""

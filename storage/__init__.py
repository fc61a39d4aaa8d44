"""Durable state: jobs, deliveries, pictures, quotas and moderation, in one SQLite file.

Knows neither Discord nor torch. Requests and recipes are opaque JSON text here. Callers pass in and
get back the frozen dataclasses of types.py, never rows.

Database
    database.py     one writer with transaction(), and a reader beside it
    opening.py      what may lie at the database's path; how connections are prepared
    migrate.py      numbered SQL files in migrations/, applied in order
    marks.py        which database this is, so that its ids are never taken for another's
    durability.py   one flush of the write-ahead log for all commits that wait for it
    settling.py     work that completes even when its caller is cancelled
    faults.py       SQLite's errors as errors of storage
    errors.py       every error that storage raises on purpose
    types.py        enums and dataclasses that go in and out
    rows.py         rows become dataclasses
    timestamps.py   instants as integers
Jobs
    jobs.py         durable jobs: each transition with its effect on ledger and delivery
    lifecycle.py    which transitions jobs and deliveries allow
    steps.py        the writes that the transitions are made of
    deliveries.py   state of each delivery, so that a result is posted exactly once
    proposals.py    confirmations that are accepted once or expire
    quotas.py       decides what a request is charged; quota_rules.py is the pure decision
    quota_policies.py  which quota holds: of users, roles and servers
    quota_windows.py   rolling hours, and calendar days in a time zone
    quota_usage.py     what is used, and when it returns
    quota_grants.py    pictures given on top of a quota
Pictures
    history.py      finished pictures, favourites and search
    search.py       how words in prompts are matched
    files.py        picture files, written atomically
    inputs.py       input images, kept as long as the pictures made from them
    retention.py    how long picture files stay on disk
Servers
    preferences.py  settings of servers, channels and users; threads of users
    reports.py      reported pictures and the moderators' verdicts
    blocks.py       users who may not generate pictures in a server
Persons
    erasure/        what is stored of persons, and how it is erased everywhere
Data folder
    folders.py      private folders that survive a power cut
    lock.py         one bot per data folder
    backup.py       consistent copies of the database, made while the bot runs
    restore.py      replaces the database with a backup, safe against interruption
    consistency.py  checks the database against itself and the files
"""

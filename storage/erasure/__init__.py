"""What is stored of persons, and how it is erased from the database, its copies and the disk.

rules.py        what becomes of each table and column
persons.py      keyed hashes of persons
erase.py        erasing a person or a server: one transaction
usage.py        used quota that outlives its person until its window ends
purge.py        files, free pages and copies, after the transaction
copies.py       backups and databases set aside, without what was erased
records.py      which erasures there were, also beside the database
messages.py     messages of the bot that are to be deleted
departures.py   servers that removed the bot
words.py        how long the words of requests are kept
export.py       everything that is stored of one person
"""

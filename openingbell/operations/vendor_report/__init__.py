"""How the vendor behaves, from what it did: how late bars are, how often they change, how many never come.

lateness   between which ages after its end each bar came, and what follows for all of them; pure
revisions  how often bars changed that were read again, by age; pure
learning   which feed delay follows from lateness; pure
learned    `learned.json` of the home, which keeps it
view       reads record and warehouse, and puts it together
"""

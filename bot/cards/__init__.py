"""Cards of plans: what is wanted of the reader, what runs or needs somebody, and a button for each verb.

`plan` has the cards of one plan, `lists` those of several plans, and `sentences` those for the operation log.
"""

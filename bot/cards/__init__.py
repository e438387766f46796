"""Cards of plans: the facts that a decision needs, and a button for each verb that the plan accepts.

`plan` has the cards of one plan, `lists` those of several plans, and `sentences` those for the operation log.
"""

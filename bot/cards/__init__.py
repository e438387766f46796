"""Cards made from plans: what a person has to see to decide, and the buttons for what can be done.

`plan` shows one plan to a channel or a person, `lists` shows several, `words` turns the operation log into sentences.
"""

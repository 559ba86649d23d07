"""The dial plan: where a number leads, for whom and when, and why.

Administrators write ordered rules in contexts. Every change is one new published version, checked as a whole before
it takes the place of the old one; an old version can be published again. A call and a question "why would this call
go there?" are answered by the same function, `model.Plan.route`.
"""

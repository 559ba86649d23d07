"""The SIP gateway. SIP's words stop here: above it there are legs, offers, answers and causes."""

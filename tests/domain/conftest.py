from hypothesis import settings

# A shared machine may stall for longer than any example should take.
settings.register_profile("domain", deadline=None)
settings.load_profile("domain")

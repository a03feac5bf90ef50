"""Which anime, episode and second is a screenshot from?"""

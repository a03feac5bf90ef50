"""Is a video real, or made by an AI?"""

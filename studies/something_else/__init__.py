"""Which freely licensed pictures of other things can an out-of-distribution score learn from?"""

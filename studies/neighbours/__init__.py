"""How often does a picture's nearest proven lesion have its diagnosis?"""

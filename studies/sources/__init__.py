"""How much worse is a recipe on a source of pictures that it never saw?"""

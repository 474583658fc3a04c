"""How should a picture of any shape become the square that a network takes?"""

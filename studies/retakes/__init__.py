"""How far do retakes of an unchanged lesion differ in area, colour and malignant probability?"""

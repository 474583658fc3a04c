"""Which thresholds of the quality gate pay?"""

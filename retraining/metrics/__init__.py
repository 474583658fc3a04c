"""Metrics of classifiers, their bootstrap intervals, calibration. Arrays in, numbers out."""

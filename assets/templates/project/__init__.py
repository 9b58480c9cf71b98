"""$description"""

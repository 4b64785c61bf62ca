"""Two runs or two inventories compared: each step calculated anew from what they rest on.

steps          the calculations of one comparison, each made once, and what they come to
runs           of the river: file, mapping, factor policy, factor set
inventories    of documents and pinned inputs
compare        two sides by what they are called
page           a page with the steps as a picture
"""

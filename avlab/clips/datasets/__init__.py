"""One module a data set: it says which rows there are and where their labels come from."""

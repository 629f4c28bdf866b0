"""How the book is made and checked: execute the chapters, render them, strip the notebooks, look at the pages."""

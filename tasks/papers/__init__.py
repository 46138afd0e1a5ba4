"""The forms of the manuals on paper: facts from the rows, one template a form, PDF by Typst with its font inside."""

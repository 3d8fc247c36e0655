"""How public pages look: templates, styles, and the headers of their responses."""

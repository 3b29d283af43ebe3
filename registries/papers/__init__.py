"""附件: the pictures of certificates: looked at before they are kept, shown to their firm and to whoever reviews it."""

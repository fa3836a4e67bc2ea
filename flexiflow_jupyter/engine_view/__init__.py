"""An engine as its view shows it: who there is, what goes to and fro, what died."""

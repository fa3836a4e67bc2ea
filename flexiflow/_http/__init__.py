"""What HTTP servers of FlexiFlow share: one shape of errors, one guard, one page."""

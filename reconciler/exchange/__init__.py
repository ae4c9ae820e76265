"""Exchange: bringing a federation's existing files in, and giving the same data back."""

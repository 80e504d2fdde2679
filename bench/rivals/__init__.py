"""What people use today, each as well as it can be used. All read the same file, resolve the link, and commit."""

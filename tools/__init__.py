"""What `make check` and `make written` run beside stock tools. They read the whole house; no room knows them."""

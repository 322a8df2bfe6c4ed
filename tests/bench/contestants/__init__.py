"""The benchmark's jobs done in other libraries, each as a good user of that library would do them."""

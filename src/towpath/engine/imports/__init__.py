"""Makes an environment repository of the definitions that Argo CD or Flux has in another one."""

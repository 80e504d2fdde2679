export const rows = [
  {size: 1e999999999},
]

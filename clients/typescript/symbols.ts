/** What the service makes of a symbol: two that give the same are the same symbol. */
export function symbolKey(symbol: string): string {
  return symbol.trim().normalize("NFC").toUpperCase().normalize("NFC");
}

/** Those of `symbols` that are named in `among`, however it writes them. */
export function symbolsAmong(symbols: readonly string[], among: readonly string[]): string[] {
  const keys = new Set(among.map(symbolKey));
  return symbols.filter((symbol) => keys.has(symbolKey(symbol)));
}

export function symbolsWithout(symbols: readonly string[], among: readonly string[]): string[] {
  const keys = new Set(among.map(symbolKey));
  return symbols.filter((symbol) => !keys.has(symbolKey(symbol)));
}

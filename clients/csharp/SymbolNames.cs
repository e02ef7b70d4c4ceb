using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace LicenseSessions
{
    /// <summary>Symbols as the program wrote them, compared as the service compares them.</summary>
    internal static class SymbolNames
    {
        /// <summary>Two that give the same are the same symbol.</summary>
        internal static string Key(string symbol)
        {
            return symbol.Trim().Normalize(NormalizationForm.FormC).ToUpperInvariant().Normalize(NormalizationForm.FormC);
        }

        /// <summary>Those that are named in the other list, however it writes them.</summary>
        internal static IReadOnlyList<string> Among(this IEnumerable<string> symbols, IEnumerable<string> others)
        {
            var keys = new HashSet<string>(others.Select(Key));
            return symbols.Where(symbol => keys.Contains(Key(symbol))).ToArray();
        }

        internal static IReadOnlyList<string> Without(this IEnumerable<string> symbols, IEnumerable<string> others)
        {
            var keys = new HashSet<string>(others.Select(Key));
            return symbols.Where(symbol => !keys.Contains(Key(symbol))).ToArray();
        }
    }
}

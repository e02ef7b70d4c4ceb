using System.Reflection;
using System.Runtime.CompilerServices;

[assembly: AssemblyTitle("LicenseSession")]
[assembly: AssemblyDescription("Opens a license session and keeps it")]
[assembly: AssemblyVersion("0.1.0.0")]
[assembly: InternalsVisibleTo("LicenseSession.Tests")]

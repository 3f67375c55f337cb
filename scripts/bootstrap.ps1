# What the scripts beside it share: a function that finds a fitting Python and calls bootstrap.py with all words.

# The first Python on PATH that is new enough. An older one is left to bootstrap.py, which says what it found.
function Find-Python {
    $ErrorActionPreference = 'Continue' # Windows PowerShell takes words on standard error for errors
    $names = 'python3', 'python', 'py', 'python3.15', 'python3.14', 'python3.13', 'python3.12', 'python3.11'
    $found = @($names | Where-Object { Get-Command $_ -CommandType Application -ErrorAction SilentlyContinue })
    foreach ($name in $found) {
        & $name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>$null | Out-Null
        if ($LASTEXITCODE -eq 0) { return $name }
    }
    return $found | Select-Object -First 1
}

# Leaves the exit code in $LASTEXITCODE. An unquoted AAPL,MSFT comes as an array, and becomes a word again.
function Invoke-Bootstrap([string] $command, [object[]] $given) {
    $python = Find-Python
    if (-not $python) {
        [Console]::Error.WriteLine('openingbell: found no Python on PATH; Python 3.11 or newer is needed; install it and run this again')
        $global:LASTEXITCODE = 1
        return
    }
    $words = @($given | ForEach-Object { "$($_ -join ',')" })
    $json = ConvertTo-Json -Compress -InputObject $words
    $coded = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($json))
    & $python (Join-Path $PSScriptRoot 'bootstrap.py') $command --words $coded
}

"""The standing words of a report: what each picture shows, what the model cannot tell, and the page's dress."""

CAPTIONS = {  # title, and what to look at
    "gains": ("Who gains, who pays",
              "To the right: who has more in B than in A. All bars together are zero, for every fen has two ends."),
    "intervals": ("How sure the differences are",
                  "A difference whose bar crosses the line of zero may be chance."),
    "price_map": ("Price map of the network",
                  "Where electricity is cheap, where it is dear, and which ties are too full to carry more from the "
                  "one to the other."),
    "price_duration": ("Price duration curves",
                       "The hours of the period from the dearest to the cheapest: a steep left end means few very dear "
                       "hours."),
    "price_heat": ("Prices of every hour",
                   "Each column is a day, each row an hour of the day: dark middays are solar, bright evenings are "
                   "scarcity."),
    "generation": ("Generation by technology",
                   "What generates in each month and what is used; left the zone that exports most, right all zones."),
    "corridors": ("Flows over corridors",
                  "How full each corridor is by month, and what it carries in the whole period."),
    "reservoirs": ("Water behind the dams",
                   "Energy stored in the reservoirs: filled in the wet season, used in the dry one."),
    "revenue_stack": ("What stores earn",
                      "Which streams of income carry a battery or a pumped-hydro plant, for each kW of it."),
    "certificates": ("Green certificates",
                     "How many are issued, traded, retired and expire in each month, and at what price they are sold."),
    "packages": ("Retail packages",
                 "Which packages the users of the retail platform buy, who stays with the default supplier, and how "
                 "many retailers live on it."),
    "rider_income": ("Riders' income",
                     "The band holds four fifths of a city's riders: most ride little, a few ride for a living."),
    "rider_enrolment": ("Riders' pension insurance",
                        "Dashed: who earned enough to be owed the subsidy. Filled: who pays into the pension."),
    "coverage": ("Coverage by city and tenth of income",
                 "Per cent of the riders in each tenth of income: who could have the subsidy, who is enrolled."),
    "money_flow": ("Who pays whom",
                   "Ribbons are net payments of the whole period, as wide as the money; their colour is the payer's."),
}
CANNOT = (
    "It is one market day after another under stated rules: it says what follows from them, not what will be decided.",
    "Companies, users and riders follow stated rules of behaviour; people may learn other things than these.",
    "Weather is drawn, not forecast: one seed is one possible year; differences below the seeds' spread mean nothing.",
    "What the world's tables mark as assumption nobody has measured; results rest on it as on all the rest.",
    "Plants have no sudden outages in a lived day; scarcity by accident is the subject of `gridgig adequacy` alone.",
    "Welfare, fairness and politics are not computed: the report shows who pays and receives, the reader judges.",
)
STYLE = """
:root{--ink:#1b1b1b;--soft:#5c5c5c;--line:#dcdcdc;--a:#0072B2;--b:#D55E00}
*{box-sizing:border-box}
body{margin:0;background:#fff;color:var(--ink);font:16px/1.55 system-ui,"Segoe UI","Noto Sans","Noto Sans CJK SC",
"PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}
h1{font-size:1.75rem;line-height:1.25;margin:.2rem 0 .6rem;text-wrap:balance}
h2{font-size:1.25rem;margin:2.4rem 0 .6rem;border-bottom:2px solid var(--ink);padding-bottom:.2rem}
p{margin:.4rem 0}.what{color:var(--soft)}.note,figcaption{color:var(--soft);font-size:.88rem}
.answer{border-left:5px solid var(--a);background:#f3f7fa;padding:.6rem 1.1rem;margin:1rem 0;font-size:1.12rem}
ul.diff{margin:.2rem 0;padding-left:1.2rem}code{font-size:.88em;overflow-wrap:anywhere}
b.A,b.B{display:inline-block;color:#fff;background:var(--a);border-radius:.2rem;padding:0 .45rem;margin-right:.35rem}
b.B{background:var(--b)}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.8rem 0;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.22rem .6rem .22rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{border-bottom:2px solid var(--ink);font-weight:600}
table.key th:nth-child(n+3),table.key td:nth-child(n+3){text-align:right;white-space:nowrap}
table.key td:nth-child(2){color:var(--soft);white-space:nowrap}
figure{margin:1.4rem 0;break-inside:avoid}img{width:100%;height:auto;display:block}
figure.n1>div{max-width:46rem}figure.n2{display:grid;grid-template-columns:1fr 1fr;gap:1rem}
figure.n2 figcaption{grid-column:1/3}
pre{background:#f6f6f6;padding:.8rem;overflow:auto;font-size:.78rem}
@media(max-width:44rem){figure.n2{display:block}main{padding:1rem .8rem}.answer{font-size:1rem}}
@media print{@page{margin:14mm}body{font-size:10.5pt}main{max-width:none;padding:0}h2{break-after:avoid}
details{display:none}.answer{background:none}tr{break-inside:avoid}}
"""

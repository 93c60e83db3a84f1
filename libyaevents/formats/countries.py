"""Countries by their ISO 3166-1 codes: number, English name, and the region that ACLED puts them into.

Names are spelled as ACLED spells them. Listed is what the gazetteer can resolve a place to, and more.

Source: ISO 3166-1; names and regions of ACLED's codebook and exports.
"""

from functools import cache
from typing import NamedTuple

__all__ = ["Country", "find_country"]

# By region: codes of two and of three letters, number, name.
_REGIONS = {
    "Northern Africa": """
        DZ DZA 12 Algeria; EG EGY 818 Egypt; EH ESH 732 Western Sahara; LY LBY 434 Libya;
        MA MAR 504 Morocco; SD SDN 729 Sudan; TN TUN 788 Tunisia
    """,
    "Western Africa": """
        BF BFA 854 Burkina Faso; BJ BEN 204 Benin; CI CIV 384 Ivory Coast; CV CPV 132 Cape Verde;
        GH GHA 288 Ghana; GM GMB 270 Gambia; GN GIN 324 Guinea; GW GNB 624 Guinea-Bissau;
        LR LBR 430 Liberia; ML MLI 466 Mali; MR MRT 478 Mauritania; NE NER 562 Niger; NG NGA 566 Nigeria;
        SL SLE 694 Sierra Leone; SN SEN 686 Senegal; TG TGO 768 Togo
    """,
    "Middle Africa": """
        AO AGO 24 Angola; CD COD 180 Democratic Republic of Congo; CF CAF 140 Central African Republic;
        CG COG 178 Republic of Congo; CM CMR 120 Cameroon; GA GAB 266 Gabon; GQ GNQ 226 Equatorial Guinea;
        ST STP 678 Sao Tome and Principe; TD TCD 148 Chad
    """,
    "Eastern Africa": """
        BI BDI 108 Burundi; DJ DJI 262 Djibouti; ER ERI 232 Eritrea; ET ETH 231 Ethiopia; KE KEN 404 Kenya;
        KM COM 174 Comoros; MG MDG 450 Madagascar; MU MUS 480 Mauritius; MW MWI 454 Malawi;
        MZ MOZ 508 Mozambique; RW RWA 646 Rwanda; SC SYC 690 Seychelles; SO SOM 706 Somalia;
        SS SSD 728 South Sudan; TZ TZA 834 Tanzania; UG UGA 800 Uganda
    """,
    "Southern Africa": """
        BW BWA 72 Botswana; LS LSO 426 Lesotho; NA NAM 516 Namibia; SZ SWZ 748 eSwatini;
        ZA ZAF 710 South Africa; ZM ZMB 894 Zambia; ZW ZWE 716 Zimbabwe
    """,
    "Middle East": """
        AE ARE 784 United Arab Emirates; BH BHR 48 Bahrain; IL ISR 376 Israel; IQ IRQ 368 Iraq;
        IR IRN 364 Iran; JO JOR 400 Jordan; KW KWT 414 Kuwait; LB LBN 422 Lebanon; OM OMN 512 Oman;
        PS PSE 275 Palestine; QA QAT 634 Qatar; SA SAU 682 Saudi Arabia; SY SYR 760 Syria;
        TR TUR 792 Turkey; YE YEM 887 Yemen
    """,
    "Caucasus and Central Asia": """
        AF AFG 4 Afghanistan; AM ARM 51 Armenia; AZ AZE 31 Azerbaijan; GE GEO 268 Georgia;
        KG KGZ 417 Kyrgyzstan; KZ KAZ 398 Kazakhstan; TJ TJK 762 Tajikistan; TM TKM 795 Turkmenistan;
        UZ UZB 860 Uzbekistan
    """,
    "South Asia": """
        BD BGD 50 Bangladesh; BT BTN 64 Bhutan; IN IND 356 India; LK LKA 144 Sri Lanka; MV MDV 462 Maldives;
        NP NPL 524 Nepal; PK PAK 586 Pakistan
    """,
    "Southeast Asia": """
        BN BRN 96 Brunei; ID IDN 360 Indonesia; KH KHM 116 Cambodia; LA LAO 418 Laos; MM MMR 104 Myanmar;
        MY MYS 458 Malaysia; PH PHL 608 Philippines; SG SGP 702 Singapore; TH THA 764 Thailand;
        TL TLS 626 East Timor; VN VNM 704 Vietnam
    """,
    "East Asia": """
        CN CHN 156 China; HK HKG 344 Hong Kong; JP JPN 392 Japan; KP PRK 408 North Korea;
        KR KOR 410 South Korea; MN MNG 496 Mongolia; MO MAC 446 Macao; TW TWN 158 Taiwan
    """,
    "Europe": """
        AD AND 20 Andorra; AL ALB 8 Albania; AT AUT 40 Austria; BA BIH 70 Bosnia and Herzegovina;
        BE BEL 56 Belgium; BG BGR 100 Bulgaria; BY BLR 112 Belarus; CH CHE 756 Switzerland;
        CY CYP 196 Cyprus; CZ CZE 203 Czech Republic; DE DEU 276 Germany; DK DNK 208 Denmark;
        EE EST 233 Estonia; ES ESP 724 Spain; FI FIN 246 Finland; FR FRA 250 France;
        GB GBR 826 United Kingdom; GR GRC 300 Greece; HR HRV 191 Croatia; HU HUN 348 Hungary;
        IE IRL 372 Ireland; IS ISL 352 Iceland; IT ITA 380 Italy; LI LIE 438 Liechtenstein;
        LT LTU 440 Lithuania; LU LUX 442 Luxembourg; LV LVA 428 Latvia; MC MCO 492 Monaco;
        MD MDA 498 Moldova; ME MNE 499 Montenegro; MK MKD 807 North Macedonia; MT MLT 470 Malta;
        NL NLD 528 Netherlands; NO NOR 578 Norway; PL POL 616 Poland; PT PRT 620 Portugal;
        RO ROU 642 Romania; RS SRB 688 Serbia; RU RUS 643 Russia; SE SWE 752 Sweden; SI SVN 705 Slovenia;
        SK SVK 703 Slovakia; SM SMR 674 San Marino; UA UKR 804 Ukraine; VA VAT 336 Vatican City;
        XK XKX 0 Kosovo
    """,
    "North America": """
        CA CAN 124 Canada; GL GRL 304 Greenland; US USA 840 United States
    """,
    "Central America": """
        BZ BLZ 84 Belize; CR CRI 188 Costa Rica; GT GTM 320 Guatemala; HN HND 340 Honduras;
        MX MEX 484 Mexico; NI NIC 558 Nicaragua; PA PAN 591 Panama; SV SLV 222 El Salvador
    """,
    "South America": """
        AR ARG 32 Argentina; BO BOL 68 Bolivia; BR BRA 76 Brazil; CL CHL 152 Chile; CO COL 170 Colombia;
        EC ECU 218 Ecuador; GY GUY 328 Guyana; PE PER 604 Peru; PY PRY 600 Paraguay; SR SUR 740 Suriname;
        UY URY 858 Uruguay; VE VEN 862 Venezuela
    """,
    "Caribbean": """
        BB BRB 52 Barbados; BS BHS 44 Bahamas; CU CUB 192 Cuba; DO DOM 214 Dominican Republic;
        HT HTI 332 Haiti; JM JAM 388 Jamaica; PR PRI 630 Puerto Rico; TT TTO 780 Trinidad and Tobago
    """,
    "Oceania": """
        AU AUS 36 Australia; FJ FJI 242 Fiji; NZ NZL 554 New Zealand; PG PNG 598 Papua New Guinea
    """,
}


class Country(NamedTuple):
    """A country; `numeric` is ISO 3166-1's number, `alpha3` its code of three letters."""

    alpha3: str
    numeric: int | None
    name: str
    region: str


def find_country(code: str | None) -> Country | None:
    """Return the country with a code of two or three letters, in any case; `None` if it is not listed."""
    return _countries().get((code or "").upper())


@cache
def _countries() -> dict[str, Country]:
    found: dict[str, Country] = {}
    for region, entries in _REGIONS.items():
        for entry in entries.split(";"):
            alpha2, alpha3, numeric, name = entry.split(maxsplit=3)
            # Kosovo has no number.
            country = Country(alpha3, int(numeric) or None, " ".join(name.split()), region)
            found |= {alpha2: country, alpha3: country}
    return found

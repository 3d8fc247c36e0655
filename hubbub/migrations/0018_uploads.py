"""Uploads: the files of users, references to them, and the stored bytes."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE IF NOT EXISTS "stored_objects" (
    "id" UUID NOT NULL PRIMARY KEY,
    "digest" VARCHAR(64) NOT NULL,
    "stored_digest" VARCHAR(64) UNIQUE,
    "size" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "removed_at" TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS "idx_stored_obje_removed_52beed" ON "stored_objects" ("removed_at");
COMMENT ON TABLE "stored_objects" IS 'Bytes in the storage, once for all uploads with the same content';
CREATE TABLE IF NOT EXISTS "uploads" (
    "id" UUID NOT NULL PRIMARY KEY,
    "kind" VARCHAR(16) NOT NULL,
    "name" VARCHAR(160) NOT NULL,
    "content_type" VARCHAR(100) NOT NULL,
    "size" BIGINT NOT NULL,
    "width" INT,
    "height" INT,
    "created_at" TIMESTAMPTZ NOT NULL,
    "unreferenced_since" TIMESTAMPTZ,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_uploads_user_id_7053de" ON "uploads" ("user_id", "created_at");
CREATE INDEX IF NOT EXISTS "idx_uploads_unrefer_e75fba" ON "uploads" ("unreferenced_since");
COMMENT ON TABLE "uploads" IS 'A file that a user uploaded';
CREATE TABLE IF NOT EXISTS "upload_files" (
    "id" UUID NOT NULL PRIMARY KEY,
    "name" VARCHAR(160) NOT NULL,
    "content_type" VARCHAR(100) NOT NULL,
    "thumbnail_width" INT,
    "stored_object_id" UUID NOT NULL REFERENCES "stored_objects" ("id") ON DELETE RESTRICT,
    "upload_id" UUID NOT NULL REFERENCES "uploads" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_upload_file_upload__624797" UNIQUE ("upload_id", "name")
);
CREATE INDEX IF NOT EXISTS "idx_upload_file_stored__db337d" ON "upload_files" ("stored_object_id");
COMMENT ON TABLE "upload_files" IS 'The file of an upload, or one of its thumbnails';
CREATE TABLE IF NOT EXISTS "upload_references" (
    "id" UUID NOT NULL PRIMARY KEY,
    "kind" VARCHAR(16) NOT NULL,
    "target_id" UUID NOT NULL,
    "upload_id" UUID NOT NULL REFERENCES "uploads" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_upload_refe_upload__c590bc" UNIQUE ("upload_id", "kind", "target_id")
);
CREATE INDEX IF NOT EXISTS "idx_upload_refe_kind_dfefee" ON "upload_references" ("kind", "target_id");
COMMENT ON TABLE "upload_references" IS 'What shows an upload, which is kept as long as there is such a row';
""",
    "sqlite": """
CREATE TABLE IF NOT EXISTS "stored_objects" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "digest" VARCHAR(64) NOT NULL,
    "stored_digest" VARCHAR(64) UNIQUE,
    "size" BIGINT NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "removed_at" TIMESTAMP
) /* Bytes in the storage, once for all uploads with the same content */;
CREATE INDEX IF NOT EXISTS "idx_stored_obje_removed_52beed" ON "stored_objects" ("removed_at");
CREATE TABLE IF NOT EXISTS "uploads" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "kind" VARCHAR(16) NOT NULL,
    "name" VARCHAR(160) NOT NULL,
    "content_type" VARCHAR(100) NOT NULL,
    "size" BIGINT NOT NULL,
    "width" INT,
    "height" INT,
    "created_at" TIMESTAMP NOT NULL,
    "unreferenced_since" TIMESTAMP,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
) /* A file that a user uploaded */;
CREATE INDEX IF NOT EXISTS "idx_uploads_user_id_7053de" ON "uploads" ("user_id", "created_at");
CREATE INDEX IF NOT EXISTS "idx_uploads_unrefer_e75fba" ON "uploads" ("unreferenced_since");
CREATE TABLE IF NOT EXISTS "upload_files" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "name" VARCHAR(160) NOT NULL,
    "content_type" VARCHAR(100) NOT NULL,
    "thumbnail_width" INT,
    "stored_object_id" CHAR(36) NOT NULL REFERENCES "stored_objects" ("id") ON DELETE RESTRICT,
    "upload_id" CHAR(36) NOT NULL REFERENCES "uploads" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_upload_file_upload__624797" UNIQUE ("upload_id", "name")
) /* The file of an upload, or one of its thumbnails */;
CREATE INDEX IF NOT EXISTS "idx_upload_file_stored__db337d" ON "upload_files" ("stored_object_id");
CREATE TABLE IF NOT EXISTS "upload_references" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "kind" VARCHAR(16) NOT NULL,
    "target_id" CHAR(36) NOT NULL,
    "upload_id" CHAR(36) NOT NULL REFERENCES "uploads" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_upload_refe_upload__c590bc" UNIQUE ("upload_id", "kind", "target_id")
) /* What shows an upload, which is kept as long as there is such a row */;
CREATE INDEX IF NOT EXISTS "idx_upload_refe_kind_dfefee" ON "upload_references" ("kind", "target_id");
""",
}

DOWN = {
    "postgres": """
DROP TABLE IF EXISTS "upload_references";
DROP TABLE IF EXISTS "upload_files";
DROP TABLE IF EXISTS "stored_objects";
DROP TABLE IF EXISTS "uploads";
""",
    "sqlite": """
DROP TABLE IF EXISTS "upload_references";
DROP TABLE IF EXISTS "upload_files";
DROP TABLE IF EXISTS "stored_objects";
DROP TABLE IF EXISTS "uploads";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXWtz27aa/isYfWk7o2Zi2XK8mXN2RnHdU7dx3GM7287pdFiIhCTEFMGSlBVtt/99Ad"
    "4vIAVQlEQh+JJYBF6IenB77+9fgyWxkO2/mrj4J7QZvAV/DRy4RPSPUssQDKDrZs/ZgwBO"
    "7bArdLHxjDbhQzj1Aw+aAX0+g7aP6CML+aaH3QATh/X+ZQEDAIHrkbkHl4DM6IeVjzxgki"
    "XyAXbAGgcLNpZFTDoYduZyZCsH/7lCRkDmKFggjxL/9jt9jB0LfUY++/jbgFEOfmeP3Wdj"
    "hpFtFX48tthA4XMj2Ljhs48fb7/7PuzJXm1qmMReLZ2st7sJFsRJu69W2HrFaFjbHDnIgw"
    "GycrA4K9uOEUweRW9OHwTeCqWvbGUPLDSDK5uBO/jHbOWYDFOwWE2nq+krk3joFbb8V+yb"
    "3/x3/JY5CsP4cP9kPN48GcagMi3sbUqQx49M4rApxU7AsPvr72jcDJvw6YB9wfUPk4evzy"
    "+/CdEgfjD3wsYQucHfISEMYEQazkMGePh/BfLrBfT4kCf9S6DTF20Dd/Igwztbuwl8CUB7"
    "gHSwhJ8NGzlzun7fgqvXDRD/z+QhRPnqdYgyoVst2oMf4pZR2MTAzsB1PTTDn2XgzSi6AX"
    "j7ej4YvCMReEf18I4q8Fp4jvxABt6MQsH1e3khAPDlRS3ArKkIsG8SNoYEwBmFggBfiKzg"
    "i/oVfFFZwT6CNrIMH5keklrIFcJWcMeHQT/RHo2FDoxxw4kxrgBO4WJwGJCD9ne0JcBLxE"
    "e8SFmC24pJXyV/nOBabwD76fbu5vFpcvczG37p+3/aIV6TpxvWMgqfbkpPv74szUs6CPjl"
    "9ukHwD6C/9x/uCkzLWm/p/8M2DvBVUAMh6wNaOUxSR4njwrTbEM/MCir2Waiy7QdTHXP9p"
    "lKM40+u5gO12Kei5R6lvs8y0xqNORkwxxJlwJifyd1ixDIRO7ZM1cGDGXyCrTfU7EWz52f"
    "0CYE+Ja+B3RMnvAXayw+xsOcJqTZ02wre3Cd6ijyC4r+dvqLURAxaZPH68l3N4MQ4Sk0n9"
    "fQs4wC1KyFjEjpSdq32rQcLctPoAPnITjsV7B3TvREQQDNxRKF713VImWtwyZN0hL5Ph2f"
    "HoZJf0Gl0sQBK9cm0AJBpCeKRwJUkEWeDwJSUSiJkXCUSb8lrxm2h0OwCfm9qmQqtglrmt"
    "7h+a0TSOiacIRrfsXHS6e/QvmcvcK3/zUanZ+/Gb0+v7waX7x5M756fUX7hu9bbXrTcOy8"
    "u/3X7Yen4tXAHjSrnTxClpIHeo5EH+glsSZb8DI3ZJ5IQ1rW3REfh99cQbT2iMiTbD8oTg"
    "DJ+KwYnV28ubg6v7xIj4j0SdPJkJwCuUspvmXk1mmRSi/UZmYud0XuyM/dZSOdJrBbWbri"
    "yuoVV7eycPCATOIVuRZOcyNfB1lHwyZzURMhARa2wJoyZkNAnPiPmUeW9E/kURLoWGBB1g"
    "AHANHZtTj2wlZjiBgPI1GdsXVDQD+ZAUk4ctoSPgugR+lLD6GZnMrsibY99sX2KK+z0crX"
    "E1DWZNtN1JqRUWirkYDViKwC5nshg3COREGIr0QM9/V2+zK+HoK+3ALOKNSzw3W/fvMXt+"
    "h1m6fZ4dLtGdLdiKoRNh6xpY6EIpV66/bsUmDdnpUvymzdsqaytd736StJrtwilV67RUxj"
    "hv2Z/giZxVsiU2/1du8tVRCNJHHmrl0FUO7eZQq7MvBGvQ/HkQ32JSCWWIaxCMswrmcZxm"
    "VYQ+MbnMd2LFF4i1TKwXz+WuSQoL1qgQ7byswv/Z2+7DlRpFIO6bORiIhBe9VzE6OKmDGj"
    "HBjHufIJfa6xL6QESohwTSqPm1+fCtqOBMev7ya/flPQeLy///CvpHsO9+v39+94evLjaH"
    "O/gwGcQh/doQAOOOrcQvuwSZ/rB3SCxXS5E8DWC4BTKvuDYIF9YMVf8xbgwAfIJWY12kOY"
    "aru+tlbR+hzFtYieLXF35RziuxKs6xWsL9BecWTC+hMmJdAnzGmdMDdsW17bEC9550uutf"
    "F0CTe3YbKOou4/wLQx5a8iV5419AFcIGhFUWLMY+Mt+xNBcxHFjNGjAth0BfkBIE5sCVov"
    "kMM+ATpzPrLCPnWH056/bYdDrT8uilJ2pPCb2D8XJ2Y8SudM9BpJCZQ420r8qZAkcNYgCZ"
    "xxJAHto9WlpstHf1ahbPI4jAlU8iQ6iNdhKQxEGvc8lQa/NfghG9Eu1KpAqa39vbb2R2xU"
    "i1kuEOrwm77NcU8Em1sLLV0SIMfc1CTKKPVoFHBw1lciccYExOrNSO7APpgiOvWAElEBYu"
    "USZwiIF6pHoOOvoyiYkuDSYgTxdBrMyS0XzhZ+NqFtR+PkW6Sc3xrsFh2qeXukkenKHFQv"
    "tWSzIgp1RqGe+e18JGK/GNWbL0YV1xL/GXFWcr3GKyVQQio8hMarwGAj6HMUjPUCYkqgxc"
    "MSlAtGvXICbMsyUkVKzS73jpUqHFDp9S58QqUUKlwAhz6hepQfQG8rBRMEnM72OpX8AP1E"
    "9FTTA1DpmHIGQZ3kHLUNt8jMrBdGgtLyI1miKbE2IEkb+UJH8IZgvSBgCTfAp4uGZY0MCJ"
    "V1qQRsEsq7ABYYVhGbdxuKm0EA+/4qWob+avoJmQEvfYDOUdkrU18y8TJic55GCdFu35Jz"
    "tjGElUAphYIAj8YiPqy0V0P2uYoXa3LkSICcI9Eoi6GMlpAnRDd4BiQEKghYZYBFVJq0Vw"
    "PAFR93nUSxHn36A617x97EC+NEZKx4DZ9STkU98web+f64tvVDFjxl6bqnkJ6qeP0jmQ44"
    "kjV7PGwSqj+RqYQ4HSyYsZhKuVMELOa7SuVhZklhbq0mX2zeTrLdvPzXIENhkIZaeph4sd"
    "LAWzmxvZlpS70o0DUFLZOXPxvs9xrshAzpkqU7CAkpAOwD+OWHm4cbEEY4gH+Cr8LeXw3C"
    "kyj3HqEFKbF3CH/zynEYOMLfHfWvfnuYria+xCh6dAeJvgKbBOHvZ507/XKKpfiX085fRR"
    "tK6z/6oP+I5rqCeb1AkxIoKDJ2r/mQjT3fKei83+B2Hw/twg3LMlnFt97gmSNRAuJDmzzT"
    "GEFhHVNCcMC43ZQXKCKePe5hXiAYBGjp8mJ2a33J8ySH8yV/Xcb19Q6IdpwDNOYZKxBucR"
    "ZOqRRUHZyIqkDIEH8Uj7CeqWC7cQgrCDqS26VMq93r+7xnYklcMiy+SNWJ6aJHrthnQgmQ"
    "zhoyIJ1VUyCFamjkeUTKzlmkUs9GNBYKHh03BI+Oq8Gj2kb0RRxdeZWUlHNljk5fTn2e4R"
    "fk+dx0vo9LaNu1gk+O7HByz1l5Ps92OCMjued89OYyFXnYhyZp5/Fu8v59VeTJq8xlMMzT"
    "fZEg9iQG8Ucy/XeoUeVbev6daFsbzT1GqJQVjjgMe8cFkhwArSV2gAuZCT2MFIz+5Jt/ZI"
    "l3SHpy3OrRPWJXu9JKNzhBhpNWBfsdIVTac+pUqQlRCfEppVKLdXp3f/++cKe+uy3rSj/e"
    "vbuhMkM4CbQTjizIvTpq3ofaEM458z5Rk9QfMqHQL3zABNB/jo4IZh12PWIi348crRnTBV"
    "zkzYgX5YEqHS8ypPpwOYXDxVtxGLyGND8rHmP3ZXr2FHyoYy8dyeSpJTIljF77tivquL42"
    "a/kkpM+eXMV3aDmlQuwCu7z7ONfaeCkv036y4VOUZ4+SGmb1smYwzGm4AQv4wsqlQgvgoH"
    "JBtxqBGyzFaMPGNCBKx0kd/bppKqoqVwFkp9offTv1ygkRRawHTekQyxfOJ4KdVqrOAqGC"
    "143Cju/x1ElnECzSnbTfxzEyNrIF1TJtY570iLifdOLG5SqQVjSlNAfUM6VPTkrRVDCSLq"
    "Azb2ckLVBqC1rfZBidR3lvShYdjbbPaLRE5NsxGu0hHuY0Id0ajZbbn/xotPKC7QBSHeB3"
    "HC2QE/9ijgrISeuKN+h/wk6yyh/2VVakwImL1Nerefh9uQqdfHuDTmdYWOGMnZbT8jSx6d"
    "xjmMObx2ukvyaaA/LmTSofzVt0yFvoGg2HlzajI0lyERep9DrWPPIBeeTcLbojT3eXjXSa"
    "wG5l64obVTPLijPL0XLmMsvpSm9ilsNOwj5Mcf/IF8lP+OG1RwKUGT8rjLMEHZeJ9pnzer"
    "i6omp0bCJ+ZyUXEqqUYRbxctJW0r3chfUss+bxjlAKKtknEku9QKRZkhKk7MSqolmfVCHp"
    "r4St/9AZFTzk2ht6C8hK2kUyHeBclvwy1ZjoMs7THDBbxW+/H+GO28tShkEAzQWDUQr3Ep"
    "mGvgX0OiS21VScmrkXWbjdLBcItUm/z3McSdxtJrlIqWe5z7OsjSsdG1eY3kQS0AKRhlQ7"
    "b8gpT5MXaO+9kWn7tEq6EdXCTpXVSpcFFK4Dakz5/U8PyIaJ6wUf7EkqrygCeexZX4yO3R"
    "GknAOLighRocmsUTDIoPQQD6MSTHs1As3g9YIVLXZqLEH59mGTOcilJwr9eYZN5ljag4rV"
    "CJuzILdggYCH54sAuND318Szwmg4skY+gMCkX1uxELUdpH3Fbm0e6ot5yMJz5EuVaMoolM"
    "s80H3ctoVesIkM2dwOJTL1kvCdCSXhO2tIwndWTcJ3ugmLuzV3dpa8WGcdaHMan5ziR7vP"
    "6YJH2sWLy93fT1bB4gfK+5LZbMDh7gvtjdz9gnViaSLFGPtJWO33W1btl3ltmfRrAftJYO"
    "aRZa468FuAAz8uZoPpH1SICKL8F+w549TD0sFTBNDnOIqyLo3e/r9QCwynLzCEM2/Iiw1l"
    "Oi08bBUe2GZqgXSJTLVU6XvCuVXhgSKlNm/2mcs181o44b2UJ1JPDL84F9hLF+e1e4k1aZ"
    "HxC9xMRxMZe7adFJAY+4noyQqMDnqix9MTeUbcKPpC+7BJYCQOlZRoVyou0b7y5XPjdOjo"
    "2yXENqDw+KGExlJGIQ9YZLi1mq74CMKCHVusK49uB6RlvP7KeMkUSTBKORIlYi6KfJJQda"
    "aG4kzV2kza7rbffMnsyJJBNyVQcfWORfClverX71hnpP4yGf0jFDTuJ0N6sLgZbY1TR7bq"
    "KaSnKlz97KEZ8hCbGY5olWsdNvrZpf0EharrBcG0MyCzsALMM2aucNHfLvL8yFeyIEQJUX"
    "CzLSTrk5HsllVBZyVjbYfIShbOlQSvmfRXkNU8uxRx6yozNDmvrsuKcWZBxUpOuZ56/iOj"
    "OGDc7l9/H0HE3w//4Vot43aLlAoy9iea+5/D6FeiBzTXqblOzXXWcJ1hxT8+yxk1beE3w0"
    "7ieb7+oDi8oD+G4I818Z6R9werYvqHz8LEVjb7GGrmvZXjh/VNPRjmwiUs/AvAOalwo52M"
    "uENlw+OX25PS4IffxP65ODG1vWQZPlV50O61yZrB3yOD/4w2dDBnjjzXi0VQYZyrpBpyAc"
    "hri9zXQ11f4F4FiLsqOVtwk/XaSVFFSgWlqNOVmqrmER8hp80cZ2R6gns9wdixsYOMiG3m"
    "hdY3lQmrEut6YRL1wqg86BsesrAs7kVCjbkM5g4VjXx2/1Cx9TMn52o9i8AhVcH+W/KYHo"
    "t4TI/rPabH3/BURcfRbKS5PjiqjXwekHrdRiHpyHbdxr2DAFqST7hoDQMBCT/V1f4RJxMq"
    "AzRk7j50NF3jufcqjWieJA6hlEBBKWUPkU86R6tith6ROs+6BpGuQdRHOBsMaLoGka5BpI"
    "2TXBbeZFklNtcsJxuXjc+1b2Hlo54GC2oWtlWGCR9C6yH2wZyQKNnDkNUVcm1oooRjp/+x"
    "pHLs68vcfdtBGv3n4mgJXZeor5z98QNgjs1g7pm31wyJ9ujRlyb/0mQZv3mXZZwJvOGSpD"
    "2E70bW+W14Y6HI/5tFz9pkHmZLWsfXnb8gaydq5NyMbYYQCcZNPBQYAMYz2midV39uRu1t"
    "kt6KVwKX4lXtnXhVvhJl07Cqm3/1SiSg+ao+oPmqEtCcniSS+CY0qqWpGl0IxYxfNASNX1"
    "RADoiLTRmEU4IDhkLs67QtBzUL4TtuwHfMicqnUnAgu4yLVKot5O6PCm11qIdeXauDDf3A"
    "kK5GnKdSJkH3gesRz7DXBvoC2eGwP1MK+yVaTqkMbJIVz7W5FvsymTJLv7Pc9DFCta7MTS"
    "u7SqsMvgde3uHxjJzA27S4zSvE+kI/pQsdeuYCv7Ti40qkOnFun12gE6Z7upE0J1QIdd7P"
    "RptChtfhLAv9xHWrYaGytArmBfoW4MPH9+/FSjBG3IC/wO6OpfPu0oFO8KKqQ57nObYzTq"
    "q54Oy1wuBjHKY94Fis0rZhk9UqCfQWtFz9Eid+hdYSOyBMpwJmxAMQJANFBT9WLvPAXi+Q"
    "E+WFXTk+WCOP2arobK2QVTFodTryDhHpBzUEtLBoHUy511XgY4MHt8Ng4OWnaorgyVG1C9"
    "/p57225+Ad05ML6k36q2ff2kt9QVbCiS7KdqVCKsQKCrsqST2uDaX2UtJfQSv8SGgzjRo2"
    "0yjaTD0Je0uYpocVN/It3yzEVhmMPxFjrSaMl2GuOhnHU2GSavqIuPXk+2NLO/X0x6knPz"
    "OiR0qeRsFjpfukG5/IVFJFlVFoh9dKNWVpra6qSnyV+JqlTHnsZfvC2H0TDzo2P5JVYBI5"
    "JUKORMHTvGNXTeR5hONg3xD4nRCoJ8yOhfjvcQP/Pe4X/418vybrRNLUzHdHnSRyTiSljY"
    "kTxpFZ6AVzSl819hSvXayZ7r4w3dHsGbLa3hKZegfKXrRjYawP3fByKRyLVMp5KZ8LIX3e"
    "gPR5FenIviiKcNRbOWS7ScSUh9VDM3q0LFpU3K5SKsjg6ewz2m2sQz/wVnkzy7R65k9p5n"
    "XJwNpZP5FZFvMXJM4Me8t2B3uJVnuG9nmmPfRCnlvNc5FSz3L/Z9mg95Iv515SIVRPkhYK"
    "8m2I8a2G+Oq0LTpty7G9q3uatuUxoPNk3U8/oVDfW1Ue59uHjRrksKdBwq6CeuR3mwD5LC"
    "UZy8bCBqAvOQwTlUUurLYNVi4rfOyDNQ4WUTf6goDCHcT6rYK6uYsBRbTSHlqSONZG66b7"
    "o5vW+c/2q12K97g8zhVC1TI67AFr/L8cC0tTCG5CcbjA2/07Fxw49larT9sc2ScofqXXt+"
    "Q0Fym1kN23WZZwx8gn87B3jb/7GHKV32P7hLf2YUPwntbkeyocEG/AETuyxkaZI1jTFwj7"
    "CQocTyzV8Yqy9U6ATRgwkcB1Q79wB0AzTQ1SkCkEaXYIndOCQpvzaBfPcUSvazkGNqVQUF"
    "DozBmuYJmKwg3bWKYKlPqO7dsdW7U8B4jjPrM9BVlMphMFtcxBBrG98nicS33+sRyJMrB3"
    "5oC+hjhoF4lapNRHVp+PLC3j128odR1l+mMDPKrWskMLoIzBapu18N5BT4T+s2dbYR+g79"
    "hSuJMMHmktBhwBPG4ZNknfsSVNTPKeAKZliSoSQcB+Y2yJ46S02dJXOGxkWDiyaR/63PHQ"
    "DHmILi/L8DFbZdqA1xu5XJdpyOJJLkXCScoXai6a5PKolRr6Dq5QsM5lQ7DOZTUFe+RCEA"
    "ElgXOZTkW89xEcpQ2kg8PrHNbYojNaQb0W8rS/DnivgrlAeL6QSWGeEWg4tfH+C9XfcFh4"
    "yenmj6C1dr2e9d7ob/o7qdqHu0+aGe1sIudsUoobj87nTpB6SEZTCa59+ubkFlitbjBZft"
    "v0g0a64MXcc0LVX+RdEw0wBMRLSpWzzNXBYrWcOhBH31Zx1ZGk51c8T7Wf4U8vVzz/rRjs"
    "oDWI/dEgaiWXVnKppORKDytDVvPCodRKg6rSoHCSSwoYPFotaZSDbyMuQFJ0yxNpSLcIby"
    "m3sqv4lg50mrBuF+Dyy4ovwtWeDR3gWw6mVRRl3rFYAPvh5vHp4fb66VhBz2WpsFbGKQiO"
    "WwWdotAqWBPIX5C1nxdW1gtsLgD2wTNyAwB9YBNnzv5n4gliDf6KdoDAI+uKANTNkFtkos"
    "TqHkCPdjCSpPgFAammjxaS+iAkaTeLPbpZZCteYlEXiDS/o1lIzUL2lLkRYCGPxNT4yPpA"
    "6tiZtLGZkaHdDIeIszCTMLk3soCH6Cz6QeSzuWasBXxGztsswQpTwFJGwyFB1ATgnKJcYW"
    "C6GFDEPzSX/VCOMWlICtzhHalgZouGcoY6h6WqFvydggY6PRu5YeaJvbrxRBSNLZ8Al/al"
    "IkKYWaohoLypo44i7xfP1HRusbUha2/K0yh3VXRffQwtIS8Ys6FkTUKgHLijschFTHvVV4"
    "wcV5JMWdh3bbiRL+dRolNQM3AlYs27qjfmXVVsefCFniSesfKkVnSRSr10r3tJPjHFRAbj"
    "uLsGVwhcm5ip25Uownka9WDei+l/jaY+DpDseVEiUw/szkonF0pTQ99fE69NbksOqXqgn4"
    "2EVvioYYWPKqB7xJbiOpL+Byy8lDhGn6Ilwl/5LqI/rk1ETJlWB0f0TbXCn+lW2Ws45Hq+"
    "T2C+W9SPqFKqd1eNxkIMwriBQRhX09kxxYLxgjxMB22V1Y43gN5mfd5mPSurpmda5wTTOc"
    "G6zAnmWi1nvUipZ70vs87Z7JXYwshjo82sFyn1id6fSa7ubcpo+VwdZVOCmBzREbOjvt5h"
    "2x4lKcwSes+8QN0GpFMSjXMzzhIeFDlLk4uNZ7TZMXh64uKf0OYELy+hEHNsoaVLAuSYmw"
    "6wus1GE8Osn0f/VsicAAd416j822gcZZfWEi2n9CZZYHdHoO7SgVSFiv1vGZh3T0vh5CQd"
    "VARpiXwfznfddXfRKKqCxNSadBDDJnPs7ArVDF4voM00isritYCORV5i78b2UN1PVsHiBz"
    "bWbKbotReQZ7TrimIJrqlM+MSGUnVFuV1l7fnZUzFhTzG/EQz9YHcE6iEeRl2YTHZEbWg3"
    "a9dF9RCPdU0/KosXIUvfWEKLlxhXBis6jqKHuU+5oN033mM0iqrrKJfZvz1GyoUCyqVcy/"
    "EPaZXCekCTAhjbYS2URlRkg0qG80yQh01m6a8E9MQtw6aQHpj12RbTU//LOo7TqdWTcsN0"
    "OErSeKabdtVxYxk6SdtUH4tTq+6vd4WpV/arEL4wGo+FnGDGDU4w40oEg8up89cQuuDy6v"
    "upgO5eHL7jHHlVhH98vP9Q432QkZTNkdgMwP8BG/snnGqIBy4Do2CETDD9+m7yaxnu6/f3"
    "78rWRTbAu10LWu0am/r3/wNq2wQk"
)

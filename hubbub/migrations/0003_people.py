"""Profiles and preferences of users."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE IF NOT EXISTS "preferences" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "kind" VARCHAR(16) NOT NULL,
    "chosen" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL,
    "user_id" UUID NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_preferences_user_id_d2f74d" UNIQUE ("user_id", "kind")
);
COMMENT ON TABLE "preferences" IS 'Choices of one kind of one person';
ALTER TABLE "users" ADD "bio" VARCHAR(500);
ALTER TABLE "users" ADD "location" VARCHAR(100);
ALTER TABLE "users" ADD "website_url" VARCHAR(200);
""",
    "sqlite": """
CREATE TABLE IF NOT EXISTS "preferences" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "chosen" TEXT NOT NULL,
    "updated_at" TIMESTAMP NOT NULL,
    "user_id" CHAR(36) NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_preferences_user_id_d2f74d" UNIQUE ("user_id", "kind")
) /* Choices of one kind of one person */;
ALTER TABLE "users" ADD "bio" VARCHAR(500);
ALTER TABLE "users" ADD "location" VARCHAR(100);
ALTER TABLE "users" ADD "website_url" VARCHAR(200);
""",
}

DOWN = {
    "postgres": """
ALTER TABLE "users" DROP COLUMN "bio";
ALTER TABLE "users" DROP COLUMN "location";
ALTER TABLE "users" DROP COLUMN "website_url";
DROP TABLE IF EXISTS "preferences";
""",
    "sqlite": """
ALTER TABLE "users" DROP COLUMN "bio";
ALTER TABLE "users" DROP COLUMN "location";
ALTER TABLE "users" DROP COLUMN "website_url";
DROP TABLE IF EXISTS "preferences";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXVtv2zgW/iuCXqYDeIJEidNssbtA2qbT7DTJIHF3BlMUAi0xNiey6OoSx+jmvy9JXa"
    "lbKPkms3yKQ55Dy9+hDs+N5Hd9hm3o+AcXbuAt9Tfad90FM0g+8B0DTQfzedZMGwIwdhgl"
    "JCQIsjYw9gMPWAFpvgeOD0mTDX3LQ/MAYZcS37hQs0OP8mrwkbBq+F4DmofxbKABX0OBti"
    "B/gOvi0LWgTUe1sUWGRe6k6wChi76F0AzwBAZT6JFhvnzRKQft9OE3/etX8gG5Nnwiv4P0"
    "ftfvEXRs9lmfQd8HE2giW6dk8GnukRbye1g3bUowQ/aTGaNhhnMbBBEqwXLOunXGTQCi/2"
    "h/fLy4vYh/wr+0n+JveRPx2T/pz3Tk+YPJnoQTDWI/irWbydhv0eTSDT4wWgrZ2LSwE87c"
    "jH6+DKbYTRmQG9DWCXShR7+QtAVeSCXmho4TyzYRYgRgRhJBleOx4T0IHSp3yh09QNamm+"
    "b1zci8uxiZpl6aEwlHTspxk0UwJnCRR/UZABP6CL/8wzCOj18bh8enZ8OT16+HZ4dnhJY9"
    "b7nr9XP0MBla0VAMs8tfL69H9IEwmbTRZKYNz4wHBMDMZkGGPp0vreCPGV7GP0G7SQBJQy"
    "aB7EWTTAQZ5OwlKYP+bgq8ashThgLo5KfsI+gz8GQ60J0EU/LvsdGA53/Pb999PL99dWz8"
    "zIN6HfcYrIuHF1Rg+57AE6AZrMYXVIFrxywHyYc9hLoB2tHl1cXd6Pzqdzr8zPe/OQyn89"
    "EF7TFY67LQ+uq0IIZ0EO2Py9FHjf6r/XVzfcHgxH4w8dg3ZnSjv3T6TCAMsOnihQnsPCZJ"
    "c9LEi9UKsGdWLRafP1++rxFsjqcg3jBE9gHlFBBrvCrsgVSjtyUSU14A7Ifyr0nODmiBKM"
    "+lMOUxnYOlg0EFoCNiKFUDmmORQrs3qZyLP0ectkm0+Kur8z9/5jTOp5vrXxPynNZ/9+nm"
    "bQFyave2nMM5lhUm8B4B/8IMppb5/UOldZh4FTy0H7AH0cT9DS4ZwJfkOQBxTioAjd2u23"
    "iY/YQ0a830lgcWqSuTn1Dkt5NfDIPIoju/e3f+/iLyfcbAelgAzzY5qGkPNnChJaUtd82M"
    "WbEFuEQj2/GvoM8co34FZ2Po+VM01ytc4VzvoMkfnqV0gj7xHZ7BMbaXGnIzT9a1tSleEB"
    "ZPIz7rUpuCR6h5ENjEwy05xZ1GaPSKQ5+0FN3iL7lmYc+0Xq2sX6O87J7q/7wPXYsir03D"
    "8TgcH1jk3TxAtn/gwsW/9d7pmkGDK+phB7ZxixJ6KdZN3is6OhTwio4Oa70i2sWvk39j5E"
    "LbbO8ccYwS+kg61SE3rrOM36898ZliVdDoMsWiax3i4fm2F+k5LIr4cAWx7iS04wA/MOmE"
    "ag96iXWHuO91eG0WBrAqpIzJcgHcGrc24SmAPiZMm0I9bdnuAv325uYTp7/eXhbdrM9Xby"
    "/I8sIUFyFCQQ3S1hS4k06LCs+5hlVlf8IJfVpEhAJvysNea4yI+hwt4cyxKDhVwGILAYvi"
    "hF0DpJ/jYSSFNPeO9isG5Ma/uCIAFHUNmqM/jKht6Id+lR2Fb+KMQX2Qp5q2MpyT72+I6A"
    "y4GZ5WRKjqg95VHyjbYq22hSrm2L63uds0at+EoGzknsDZYCPnVtEVbbqrbKT9BPZFs45/"
    "UZWxLLmxHE3nSmM5nelNxjIjEjSWzxNzVwumIND8xB5eeDiAWeqzZDi34Ks0on1IJgebXZ"
    "aDiHkfVwI3lxCrHGk/cqTKwtu6hZe9JS0mOsekDJICpFRfldGsL5JL6KXI9G+9Qg7OnSVZ"
    "A9r62TybKvUs+n1ZYEx0Gud5tjeV9S9fd7DGbWQqgyAA1pTC2Ar3ApuCvgP0lgcpOF1yvR"
    "ynhBVEMiV7oY26SZljVAn9Pss48re7CJnnVFLus5RVamXNqRUaNWkJKMekIFWlG1su3chC"
    "fSoe3QQq9562jUhncLNKhorwXMz24bdb6ICk5qIuo5IWZUiCdSEWAawat7kNSrfxMDLBtM"
    "nExu8evIcepK94RW4j1ztoSm/MUzrBDMe7KUaEmB5pgl2oPRDIk89z6PmR/LjchhBHZVYj"
    "SbxRltWyF6r6Z72R9PpkBpNVCf/6DV8JvRRh4MKGr1ORDV9FfyK34eu0uOHLmmKyrLUJk2"
    "UcW4yQfX+WJUIWH3XUwa3mOSWMkO3pHrsKP7tk0ahSpU36hKqcZo/LaVIrvcLmzFvw9RYn"
    "5y6IncYHZ/hvxNuMWoDZf3WV6OJsQkXp5C8bTdXQ9LSGJpJOC7szZZDQ8Dw9ETA8T09qDU"
    "/apTKFcttBImcNqDp4VQffRzhVHbyqg+8tqn013GkKrcpoj1NrDQY7oRAuf6fEb+hhXhqM"
    "wrwo8DUHT9hZXwta2458zZ/ihRt1lgz3bkNUGPGlbaRJpJECYD7ApTokrC/Gu4oZp6b7mY"
    "DlflZruJ8V7Xb2twWyCX0nZHtW+FMAVuT0tbP609fOSqevpXqkJb4Jz1ow3m3GiUPYOBGB"
    "mFDVYsz6eJADPEdWG4RThi3mOzalbQv4DoXwHTbgOyzhayMPWkHbacxzyTaR168qVPikHn"
    "p5wyfs9L9uZwaq4wJX2t53j7wu0HNs28P+SCrso7OlCaph1YUotdgX2aSZ+sbRyeuTs+PT"
    "kxT1tKUJ7FpgH6Hnx0k28Zld5pUG312cBktv0Fp2WM1LzGpB36cFHXjWFD12suMKrGqbTX"
    "/Kf8pyTozu8bLtCQFFRrXDujFbk+G1vbxCP3F9Ma1QmlpccoE8hXb9+dMnsT0Nueswu9fr"
    "p9du7tn6JLSnoXBByip7P/I3ssgJVXZA0io4yZZt3ejmj7voele9IqGXdA2acnp+cj3sQL"
    "QGzye6+BfkathlBXQ2fERWddldLaVIkk7d3tOnxFwkO7NtFqnAJl8y6ehQ7C6fpst8SkFi"
    "VjhAXvd298jyXNIlPY6FkD5uQPq4jHS0GIsiHFFLh+zJUADYk2EtrrSreCjVPVEtU9NGxB"
    "xoNYnLnBKm9lVVropCrTGtBN2uAcgcr5L8PkkePs0RGa3LSU4cp4RS3xMpC4UfPfiIHzqp"
    "dZ5TBZn7L2V6O6Bflc1rMpYKjPL5V0KVZA2FZOU6MrXrQm3p3XUIv6c7A+4CwJ6jHElkHY"
    "PGOGJKIrA34J70a2CMw0ALpsjXaNhpDHz4hlX4wzm2pqWAojDXy8HF2qBiy+LHVaoeOwQU"
    "907p1ocTH4ETVgQS608vSRmkCAds4/CSkpLejU5hmrxCpSQavl6jUCUpvNso3tS/QMFUA6"
    "4GrLR8rKBE6glX0BsqGbHVZASdGW0zEXke6RT2sSESGjfqI+NG0UqGM4CcNvimDNKBawxF"
    "wrWEqmG3RSlgayN/7oBl+4RagU+K5XDTmy7AI9Eknhl6rWY0zyWfaz0USqgNGxJqw3JCbY"
    "xwG4xjcgWuELgOttLiGVGE8zzywbyR9PsCjn0UwLb6osAmH9iGENhGA9hGGew58P0FJl5G"
    "+1xxBat8oB8ZQjPcaJjhRgl0DzutrI6EfoulD0kgcQsIr/1wVj/05/TM8S6JmyKvSt30OX"
    "WTSSt0gyqHSVTYKbuS9x7Iu0Ourswp31q1kXMJWGCB7ldEZNBOd1dVDaBesz6/Zj0rbFKS"
    "3vgGO1W4+COVr6nD9GWTesXLXtofpm4m/BE0eqdTKfpxHMXhCq/tbk5YAd5D1XbLpvM/Eh"
    "aFczPOLeon1G7hDruF2XV6JqpSFOpGPbWlugVIhZvruuPEX5UnI1TqhkYxmOhB1+YM2BVZ"
    "klY4id1W209rtBmi/LkB3QHKHVEgyzzaZDHlOfSQNdUryinjnkFTQSXIaF6qqKyHYc1Vkj"
    "/KXZwrnv3XUEld527VpyLqnS0ZyseMoch2dkLVkIQobWinL1ULhGNyCdHdSMEN+cag8rCL"
    "/9zdXNdEfzOWYjgIWYH2P81B/sYc2t1EgigYXBCotDOguAlgwEd36AA73xnw/H+FFnOH"
)

"""Schedules: the choices of admins, the runs, and the lease of the active scheduler."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "postgres": """
CREATE TABLE IF NOT EXISTS "leases" (
    "name" VARCHAR(32) NOT NULL PRIMARY KEY,
    "run" UUID NOT NULL,
    "instance_id" VARCHAR(64) NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "leases" IS 'A task that one process at a time performs';
CREATE TABLE IF NOT EXISTS "schedules" (
    "name" VARCHAR(32) NOT NULL PRIMARY KEY,
    "enabled" BOOL,
    "cron" VARCHAR(100),
    "handled_until" TIMESTAMPTZ NOT NULL,
    "plan" VARCHAR(200) NOT NULL
);
COMMENT ON TABLE "schedules" IS 'What an admin chose for a schedule, and up to when its runs were enqueued';
CREATE TABLE IF NOT EXISTS "schedule_runs" (
    "id" UUID NOT NULL PRIMARY KEY,
    "schedule" VARCHAR(32) NOT NULL,
    "job_id" UUID NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "ms" INT,
    "outcome" VARCHAR(8) NOT NULL,
    "error" VARCHAR(500)
);
CREATE INDEX IF NOT EXISTS "idx_schedule_ru_schedul_fbcdb9" ON "schedule_runs" ("schedule", "id");
COMMENT ON TABLE "schedule_runs" IS 'A run of a schedule';
""",
    "sqlite": """
CREATE TABLE IF NOT EXISTS "leases" (
    "name" VARCHAR(32) NOT NULL PRIMARY KEY,
    "run" CHAR(36) NOT NULL,
    "instance_id" VARCHAR(64) NOT NULL,
    "expires_at" TIMESTAMP NOT NULL
) /* A task that one process at a time performs */;
CREATE TABLE IF NOT EXISTS "schedules" (
    "name" VARCHAR(32) NOT NULL PRIMARY KEY,
    "enabled" INT,
    "cron" VARCHAR(100),
    "handled_until" TIMESTAMP NOT NULL,
    "plan" VARCHAR(200) NOT NULL
) /* What an admin chose for a schedule, and up to when its runs were enqueued */;
CREATE TABLE IF NOT EXISTS "schedule_runs" (
    "id" CHAR(36) NOT NULL PRIMARY KEY,
    "schedule" VARCHAR(32) NOT NULL,
    "job_id" CHAR(36) NOT NULL,
    "at" TIMESTAMP NOT NULL,
    "ms" INT,
    "outcome" VARCHAR(8) NOT NULL,
    "error" VARCHAR(500)
) /* A run of a schedule */;
CREATE INDEX IF NOT EXISTS "idx_schedule_ru_schedul_fbcdb9" ON "schedule_runs" ("schedule", "id");
""",
}

DOWN = {
    "postgres": """
DROP TABLE IF EXISTS "schedule_runs";
DROP TABLE IF EXISTS "leases";
DROP TABLE IF EXISTS "schedules";
""",
    "sqlite": """
DROP TABLE IF EXISTS "schedule_runs";
DROP TABLE IF EXISTS "leases";
DROP TABLE IF EXISTS "schedules";
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return DOWN[db.capabilities.dialect]


MODELS_STATE = (
    "eJztXWtz2za6/iscfWk7o2Zi2XK8md0z47ju1m0SdxPntLOdDgORkISYIlherGhy+t8PAN"
    "5JkAIoSqIQfEksAi8oPbi99/fLaIVt6ATPrj30C9yMXhpfRi5YQfJHpWVsjIDn5c/pgxDM"
    "HNYVeMh8hBv2EMyC0AdWSJ7PgRNA8siGgeUjL0TYpb1/W4LQAIbn44UPVgaekw9RAH3Dwi"
    "sYGMg11ihc0rFsbJHBkLuQI4tc9FcEzRAvYLiEPiH+40/yGLk2/AwD+vGPEaUc/Ukfe4/m"
    "HEHHLv14ZNOB2HMz3Hjs2YcPdz/8yHrSrzYzLexEKzfv7W3CJXaz7lGE7GeUhrYtoAt9EE"
    "K7AIsbOU6CYPoo/ubkQehHMPvKdv7AhnMQORTc0T/nkWtRTI1lNJtFs2cW9uEzZAfP6Jtf"
    "/E/yLQsUpvn2/sF8f/tgmqPatNBvU4E8eWRhl04pckOK3Ze/43FzbNjTEX3BzU/X7749v/"
    "yOoYGDcOGzRobc6G9GCEIQk7J5yAFn/9cgv1kCnw952r8COvmiXeBOH+R452s3hS8FaA+Q"
    "jlbgs+lAd0HW70vj6nkLxP97/Y6hfPWcoYzJVov34NukZcKaKNg5uJ4P5+izDLw5RT8Ab1"
    "/PB4N3IgLvpBneSQ1eGy1gEMrAm1MouH4vLwQAvrxoBJg2lQEOLEzHkAA4p1AQ4AuRFXzR"
    "vIIvais4gMCBthlAy4dSC7lG2Anu5DAYJtqTqdCBMW05MaY1wAlcFA4TcND+gbSEaAX5iJ"
    "cpK3DbCemz9I8TXOstYD/cvbl9/3D95lc6/CoI/nIYXtcPt7Rlwp5uKk+/vazMSzaI8dvd"
    "w08G/Wj89/7tbZVpyfo9/HdEvxOIQmy6eG0Cu4hJ+jh9VJpmBwShSVjNLhNdpe1hqge2z1"
    "SaafjZQ2S4DvNcptSzPORZplKjKScbFkj6FBCHO6lbhEAqcs8fuTIgk8lr0P5IxFq0cH+B"
    "GwbwHfkewLV4wl+isfiQDHOakOZP863sg3WmoyguKPLbyS+GYcykXb+/uf7hdsQQngHrcQ"
    "182yxBTVvwBFeeZH3rTavJqvoEuGDBwKG/gn7nVE8U2Sh8By3slzUpnOZxqy6JdjQdvBBV"
    "JmHDRraxXoJwbGA3+WPu4xX5E/qEBLi2scRrA4UGJFNrczRLncYQUTPFhzqZLdJCPlkhTu"
    "eOtLBnIfAJfeUhYIqd9InWUg1FSyV/u2s2/QSu9Xy7icq9OYXWLwjoF3AUUi29DMIFEgUh"
    "vhJR8TZreKv4+hAEcgs4p1BPY9P/+i1e3KLXbZFmh0t3YEjvcq9W8fSxI3UklKnUW7dnlw"
    "Lr9qx6UebrljZV9bpBQL6S5MotU+m1W8Y0YdgfyY+QWbwVMvVWb/92tZJoJIkzd+0qgHL/"
    "xjXkycAb9z4cRzbal4BYYRmmIizDtJllmFZhZWoaQCCRsqeVqZSD+fy5yCFBejUCzdqqzC"
    "/5nYHsOVGmUg7ps4mIiEF6NXMTk5qYMSccGMcM/wA/h3yQMwIlRLg2lcft7w8lbUeK47dv"
    "rn//rqTxeH3/9t9p9wLuN6/vX/HU48fR5v4AQjADAXwDQzDiqHNL7eM2fW4QkgkW0+VeG3"
    "S9GGBGZH8jXKLAsJPXvDRQGBjQw1bdL1CYaru+tlHR+hh7QIqeLUl35Vyn+hKsmxWsT8CJ"
    "ODJh8wmTEegT5rROmFs39LkOx3FD65lC2CMfQUF343sXGnbkU1oDPhHS2HXYx3g1NkBATT"
    "pr8h9wXRy5Fsc81GUAzlnzx4hS0MYA/hUbdQpHz5dRjttoRQRwgpoZ242oh4Afi+QZrLkF"
    "6LOZoGFGHjUnxEglu2DEqAlA9IPx20+3726Tn/Av45vkLS9jOvub2HIobGh6hRZ3bsOu5D"
    "JVKGZqi1syOcqGe/wt6Ff4/h+Tyfn5i8nz88ur6cWLF9Or51ekL/u+9aYXLZv41d2/795W"
    "9iV90H4o0vUiBX9CsB3/EzgSDzkFBXeeJ0nBLSNQ4h6qSG0TEaFt0iyzTWr6dG1HVdSOqs"
    "0kPaqaC3yABKJlKo1pJRYGbBwMOIA2yxgFEiVO90NIGSUFHeF7JddwgUR7TbZ7TaZSxY5e"
    "k++SYU4T0q1ek4UFNSSvyVuqnLpxAFqNeKJw3jpulYdpP9OiHQWF4mvDchCVA0MaVcvE1y"
    "UEdi7ZvqR/QmAt4xhbIsQaDpUuifDrJv6Q6yV06SeD4B5Am/VpUtHt+W07qPaG49It5U3J"
    "3kT/uTgxF8pszoQlq5RAibu3YqURsoedtdjDzjj2MH3d9skwau3LwbUvLPRNGvcilQa/M/"
    "iMjegWmlqi1LqaQetqYjaqwyyXCHW44tDmeCDmvTsbrjwcQtfaNCQWqvRoFXBQ3lci0dC1"
    "kTj5xHIHCowZJFNvECIiQEQedscG9pmTAHCDdRw1WBFcOowgnn6IhnoVwn/ZZws4TjxOsU"
    "XKMtfivdejEmtAfgl9OUU2Sy35rIhCnVOo54S6B4NQ8AildLIZgRJS4aE1sg4EAcfNpllA"
    "zAi0eFiBckmpIzdEjiwjVabU7PLgWKnSAZVd78InVEahwgVw6BNqQPlU9LZSMKHK6WyvU8"
    "mnMkxETzWdCpGOCWcQNknOcdt4i8xMewn7yb7HKzjD9sZI0+w+kRH8sbFeYmMFNkZAFg3N"
    "shtiIusSCdjChHcxaHqUmti821Bc31kUBFG8DINo9glaYc2DVuf0PQ4r3Cw0pxMvIzYXaZ"
    "QQ7fYtOecbQ1gJlFEoCPBkKhLJSXq1ZOusxXKmR44EyAUSjbIYynAFeEJ0i2dASqCCgFUF"
    "WESlSXq1AFyL9NZJZ5vRJz/QvnedTbIwTkTGStbwKeWg1TN/sJkfjmvbMGTBU5auBwrpqY"
    "rXP+PZiCNZ08fjNqH6E55JiNPhkhqLiZQ7g4ZNfVeJPEwtKdSt1eKLzdtJtpuXS7GkWcIh"
    "H2E/URr4kZvYm7fFltLfa9ITktG1hZWyOH8aVsp6fzNiJ1HhezALUmrvEH5z5LoUHOF3x/"
    "3rb2dJW5NLjKBHdpDoV6CTIPx+2rnXl8M47ETs5aSzbBCv1n/sUf8Rz3UN82aBJiNQUGTs"
    "X/Mhm4Ftp9Rrwwa3/6xgOkzu4CbPLFOOsI4pJThg9qqMFygjnj8eYHZcEIZw5fEyVzX6kh"
    "dJDudL/ryK6/MdEI2dxydnFy8urs4vLzKf8exJm6t43S084RlrEG5xFs6oFFQdnIiqQMgQ"
    "fxSPsIGpYPtxCCsJOpLbpUqr3euHvGcSSVwyOVyZqhfTxYBcsc+E0gCfteQBPqsnAmZqaO"
    "j7WMrOWaZSz0Y0FQoenbYEj07rwaPaRvRVHF1FlZSUc2WBTl9OQ57hJ+gH3KI271fAcRoF"
    "nwLZ4eSes+p8nu1wRsZyz/nkxWUm8tAPbdLO+zfXr1/XRZ6iylwGwyLdVwniQGIQf8az/z"
    "CNKt/S859U29pq7jGZUlY44pD1jqMFqWujvUKu4QFqQmeRgvGffPOPLPEOSU/Y/xKsVNpf"
    "ucjBvrTSLU6QbNLqYL/CmEh7bpMqNSWqID4jVGqxTq/u71+X7tRXd1Vd6Yc3r26JzMAmgX"
    "RCsQV5UEfNa6YN4Zwzr1M1SfMhw4R+4QMmBMFjfERQ67DnYwsGQexoTZkuw4P+HPtxHqjK"
    "8SJDqg+XUzhc/IjD4LWk+Yl4jN3X6dlT8qFOvHQkS4hUyJQweu3brqjj+rqs5ZOQPgdyFb"
    "+BqxkRYpfI493HhdbWS3mV9ZMNnyI8e1YcIKkaPQcsp+HGWIInaFBbqYHC2gXdaYTWQgN5"
    "QJSOkzr6ddNyi0vWwdypAubQTr1qQkQR60FbOsTqhfMJI7eTqrNEqOB1o7DjezJ10hkEy3"
    "Qn7fdxjIyNdEF1TNtYJD0i7ieduHEVhdKKpozmgHqm7MlJKZpKRtIlcBfdjKQlSm1BG5oM"
    "o/Mo703JoqPRdBWIY0ejba0CUV2wPUCqA/yOowVyk1/MUQHFTeN2/Q/rJKv8oa+yYwVOUo"
    "apWc3D78tV6BTbW3Q649IKz8pM6pKOgyvpqHkLXaPhFFf0YGrTDW0SNI88EDhbeOTCLboj"
    "T/cmH+k0gd3K1pU3qmaWFWeW4+XMZZazld7GLLNOwj5MSf/YFylI+eG1j0OYGz9rjLMEHZ"
    "eJDqjzOltdcTW6pLx6e112bSUdipVU83hHKAWV7hOJpV4i0ixJBVJ6YtXRbE6qkPZXwtZ/"
    "6IwKPvScDbkFZCXtMpkOcK5KfrlqTHQZF2kOmK3ijz+PcMftZSmDMATWksIohXuFTEPfAX"
    "odEttpKk7N3Att1G2WS4TapD/kOY4l7i6TXKbUszzkWdbGlZ6NK1RvIgloiUhDqp03Duy8"
    "kSv7tEa6DdTSPpXVSZdjPnkOBQnZj7+8gw5IvS6abCqZW4YiWFd0EcBqEJtlUHqXDKMSTH"
    "s1bczBzZKW4nUb7BvF9nGbkcMjO4X8PNPBCyTtF0QrXy1o6Fa4hIaPFsvQ8EAQrLFvsxgv"
    "vIaBAQyLvLZm9+g6SPc61NroMRSjh40WMJAqPJRTKBdP3380sg2fkAVN2YwFFTL1UsudCa"
    "WWO2tJLXdWTy13uml4+zXi9ZaSV8fSdzmNT06doZ3CdBmfY4uJA3Vcur+OwuVPhPfF8/mI"
    "w92X2lu5+yXtRJMfijH216yG7fe0hi31RbLIaw36k4y5j1eFmrcvDRQGSYkWRP4gQkQYZ3"
    "WgzymnzgrizqABPyexgU3J4fb/Qi0wnL7AwGbelBcbqnRaeNgqPNDN1AHpCplqCcD3hHOn"
    "dPplSm20GzKXaxW1cMJ7qUiknhh+cS6wly7OG/cSbdIi41e4mY4mMg5sOykgMQ4T0ZMVGF"
    "34QI6nB/wIubHhpfZxm8CIXSIpka5EXCJ95YvCJkm+4fe0iL1B4AmYhEYTIUHfsPF4a41Y"
    "8RGEBTu6WCOfbAeoZbzhynjpFEkwSgUSJSIJynySUM2hlpJD9YpD2u623yzA9MiSQTcjUH"
    "H1TkXwJb2a1+9U51n+Ohn9I5TpHSZDerBoEG2NU0e2Giikpypc/erDOfQhnRmOaFVoHbf6"
    "2WX9BIWqmyVGpLOB56yuCS3znv7tQT+IfSVLQpQQBTeHQLo+WS35nXIF6FxbtO0QubbYXE"
    "nwmml/BVnNs0sRt64qQ1Pw6rqsGWeWRKzkFKFp5j9yigNGo375+wgi/n74D8/uGI1aplSQ"
    "sT/RjPYcRr8WPaC5Ts11aq6zgetkdez4LGfctIXfZJ3Es1d9JDg8wY9j4+Ma+4/Q/0hrc3"
    "4MrCW0I4d+ZJp5P3IDVrXTByzDK6ZJGAywwDVutJcRd6jXd/wiclIafPYm+s/FiantJYvL"
    "qcqD9q9N1gz+Hhn8R7ghg7kL6Ht+IoIK41wn1ZALQN5Yur0Z6uay7SpA3Fch1ZKbrN9Nii"
    "pTKihFna7UVDePBBC6XeY4J9MTPOgJRq6DXGjGbDMvtL6t+FWdWFfBkqiCReTBwPShjWRx"
    "LxNqzGUwd4loFND7h4itnzmZRJtZBA6pCvbfisf0VMRjetrsMT39jqcqOo5mI8v1wVFtFP"
    "OANOs2SklHtus27l1owBX+hMrWMCPE7FNTRRtxMqHiNmPq7kNG05WLB6/SiOdJ4hDKCBSU"
    "UvYQ+aQzjypm6xGpXqwr6+jKOkOEs8WApivr6Mo62jjJZeEtmlVic0NzsnHZ+EL7FlY+7m"
    "nSoGZhWyVL+MCshygwFhjHyR7GtFqO5wALphw7+Y8mlaOvr3L3XQdp9Z9LoiV0tZ2hcvbH"
    "D4A5NoO5Z95eMyTao0dfmvxLk+ax5l2WSX7rlkuS9BC+G2nnl+zGgrH/N42edfCCZUtaJ9"
    "ddsMRrN27k3IxdhhAJxk09FCgA5iPcaJ3XcG5G7W2S3YpXApfiVeOdeFW9EmXTsKqbf/VK"
    "JKD5qjmg+aoW0JydJJL4pjSqpamaXAjFjF+0BI1f1EAOsYcsGYQzggOGQuzrtK0GNQvhO2"
    "3Bd8qJyidScCi7jMtUqi3k/o8KbXVohl5dq4MDgtCUrrFbpFImQfeBq+zOkd8F+hLZ4bA/"
    "Uwr7FVzNiAxs4Yjn2tyIfZVMmaXfW276BKFGV+a2lV2nVQbfAy9vdjxDN/Q3HW7zGrG+0E"
    "/pQge+tURPnfi4CqlOnDtkF+iU6Z5tJM0JNUKd97PVppDjdTjLwjBx3WpYqC2tknmBfAvj"
    "7YfXr8VKC9IbCMEdy+bd0mvsBO+nJsA5vFawRN6OKL3JBlIXKuZ8szNOqjkp7bUG4/skkH"
    "3EsellbeM2u14aCi9o2/stSY0L7BVyDZZwxphj3wBGOlBcEiXyqI/6egndOHNu5AbGGvrU"
    "mkdmK4J2zeTX68g7xOwf1FTSweZ3MPVnX6GhLT7uLoWBl8GrLcapQNUtwGmYN/+ew5ssXy"
    "7sOe2vngVwLxUYaZErsii7FVOpESuoDlBJLvQcILWX0v4K+ilMhDbTpGUzTeLNNJDAwJRp"
    "ehdxYwOLzUJslUn5EzHW6pryMtSZKed4akxSQx8Rx6dif2Rrt6fhuD0VZ0b0SCnSKHis9J"
    "+W5BOeSSrxcgrtElyrNy2t91bVzKESX7OSKSC+6l46fGjiQc8GWhyFFpZTIhRIFDzNe3Zm"
    "hb6POSEILaHxKYF6wuxUiP+etvDf02Hx3zAIGvJypE3tfHfcSSIrR1r8Gbss0s6GT4hTHK"
    "y1p3h1Z810D4XpjmfPlNX2VsjUO1D2oh1j0VBkw8sluSxTKefHfS6E9HkL0ud1pGP7oijC"
    "cW/lkO0nVVURVh/OydGy7FCTvE6pIIOn8/Nox7oePeU7ZRat0uqZP6WZ10UVG2f9RGZZzK"
    "MSu3Pkr7od7BVa7Ts75Jn24RN+7DTPZUo9y8OfZZPcS4Gce0mNUD1JWigMuiUKuh4ErRPb"
    "6MQ2x/Y/H2him4c1/hFYIfZHHM1x3jhu0x2Ha/IFWD9B9fEDTckWhUvohsgCIXVW9Tzmne"
    "EawMpCGEuKZEGaHRxYtSp5D+fGuEWVHEDLh1JKoZxCQWVQbyapknwYO/12kQ9LlJqdHDI7"
    "GetwQshRYm9PlZCQ6YDmjrkSAHIinxe/05wnoUCiDOy9uYGsAQq7+YOXKfWRNeQjSxsqmj"
    "eUuurq4UjiRw0Y61EOlxEbt8ns9y58wOSfPUvsQ4C+Z3l9Jxmc4Gi/pfnLRxwZPG8ct8ng"
    "5OvaZNeRfsJRE9QtC9qGD8msBGGcTX0NAiMEj9CNU8gG5Lswny0UGC4O4yYDLAhuNQG9jw"
    "FFHMIKdis5t7DDFDYeUCBqX94FLYGo2vqoKq82EL9Wdsfwj8UtWkl6gAufhUl5uDUKl21K"
    "yLaOWvM4LE6p7dyia0PWg7VIo9xV0X/cGFwBngDfVocPcOX20wd3MhW5iEmvlsTDNUc/Gw"
    "WeAzbyjtgVOgUV6f3nHwZP5CTxzciXWtFlKvUM9XsxWMwQlsE46a7BFQLXwVaWR0oU4SKN"
    "ejDvJWxjDWcBCqHseVEhUw/s3pJelJKKgCBYYyJnyMcYcEjVA/1sIrTCJy0rfFID3cdyaR"
    "fS/gcMmcnq+u0f4UsRgKsCfAHfyyq8QRR4kPy4LuaRKq02gw1NtcKf6U4WTw65nu8TmO8O"
    "nr91SvXuqr2U6GGKBZq6H5FBO3lC8QbQ22zI22xgAXF6prUfifYj6dOPxLM7znqZUs/6UG"
    "ads9lrqdJjL4wus16m1Cf6cCa5vrc7FWgaRmWm5zts2+MUGwP+I6/yQFsprJRE49yOs4QH"
    "RcHS5CFaFnTHahDXHvoFKltcBNlw5eEQutamB6zu8tHEMBvm0b8VMjdE4c5Fa+7icZRdWr"
    "pujTBU9H/bRLx7WgonN+2gIki6uI8ASFStSQYxHbxA7q5QzcHNEjhUo6gsXrTsBX5KvBu7"
    "Q3V/HYXLn+hY87mi116IH+GuK4oGRRCZ8IEOpeqK8nw4hz5Mowe6g/VrNpCqUPkQMD/YHY"
    "F6lwyjLkwWPaI2pJu966J6l4x1Qz4qixfGq8BcAZvjViGFFRlH0cO8mKK6O0CFbNiqrCOp"
    "+IvC5ZilbWlGNI0I3I5rKVeMIqtPMlblGvrIombsWrRK0jJui1cBeZ9tASvNv6znIJRGJS"
    "A3BoWjAUxmum1XHddRv5fcBc2BJo267GY/j2ZNtgq++ZOpSI5p0qvFw6OWZZpuKgmEk+4K"
    "orsXb2byxpCbgf7n9/dvG0zrOUnV1oas0Pg/w0HB3qwFxzGzUTBKFrYU02/fXP9ehfvm9f"
    "2rqumMDvDq2AVF/v5/vjW8Og=="
)

-
&U ä ĞË	`kÄ²ÎßBf£¢ckF|·z¾Õ•	NêFa
data